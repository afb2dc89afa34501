"""The neural harmonizer: train networks that look where people look (Fel et al., NeurIPS 2022)."""
