"""What was shown and what was recorded: recordings, stimuli, RDMs, photographs, the registry.

May import `numerics`, `formats` and `running`."""
