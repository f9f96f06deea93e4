from __future__ import annotations

import subprocess
import sys


def test_without_the_flag_nothing_of_ray_is_imported() -> None:
    names = "realtime.commands.call, realtime.call.serve, realtime.call.sessions, run_avatar"
    code = f"import sys, {names}; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
