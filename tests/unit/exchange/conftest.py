"""Puts the harness of this folder where its tests find it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
