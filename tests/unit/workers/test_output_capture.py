"""What happens to unfinished lines of a job's output. In a process of its own, which takes over the streams."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from asyncinweb.queue.files.job_folder import JobFolder
from asyncinweb.queue.files.job_log import LogWriter, read_log
from asyncinweb.workers.running.interruption import Interruption
from asyncinweb.workers.running.output_capture import OutputCapture

folder, capture = JobFolder(Path(sys.argv[1]), "a-job"), OutputCapture(Interruption())
capture.redirect()
capture.begin("a-job", LogWriter(folder, 1, 1_000_000))
seen = []
for words in ("just begun", " and continued", ""):
    if words:
        sys.stdout.write(words)
    capture.flush_waiting_text()
    seen.append(read_log(folder, 1, 0, 1000).text)
capture.end()
with open(sys.argv[2], "w") as answer:
    answer.write(repr(seen))
"""


def test_an_unfinished_line_is_written_once_nothing_was_added_for_a_while(tmp_path: Path) -> None:
    answer = tmp_path / "answer"

    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), str(answer)], check=True, capture_output=True)

    assert answer.read_text() == repr(["", "", "just begun and continued"])
