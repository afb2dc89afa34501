"""What tests are made of: small networks, tables, files, servers and clusters, all made by code."""
