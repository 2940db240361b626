"""How `charts.still` draws each kind of panel of a scene with Altair."""
