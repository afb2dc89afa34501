"""Where networks and people look: saliency, occlusion, their agreement, the shortcut.

May import `data`, `networks`, `numerics` and `running`."""
