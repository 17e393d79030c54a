"""The supervisor on small real processes."""

import io
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from oskartrack.supervisor import Failed, Job, Stopped, Supervisor, jobs

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pids_in(output: io.StringIO) -> list[int]:
    return [int(line.split("|")[1]) for line in output.getvalue().splitlines() if "|" in line]


def test_lines_of_a_process_stand_under_its_name():
    output = io.StringIO()
    with Supervisor(output) as supervisor:
        supervisor.finish(Job("greeter", python("print('one\\ntwo', end='')"), keep=False))
    assert output.getvalue() == "greeter  | one\ngreeter  | two\n"


def test_lines_that_say_nothing_here_are_left_out():
    output = io.StringIO()
    told = python("print('all well'); print('mind the gap'); print('end')")
    with Supervisor(output) as supervisor:
        supervisor.finish(Job("greeter", told, keep=False, hushed=("the gap",)))
    assert output.getvalue() == "greeter  | all well\ngreeter  | end\n"


def test_a_job_that_fails_is_named_with_its_exit_code():
    with (
        Supervisor(io.StringIO()) as supervisor,
        pytest.raises(Failed, match=r"^migrate failed \(exit code 3\)"),
    ):
        supervisor.finish(Job("migrate", python("raise SystemExit(3)"), keep=False))


def test_a_process_that_never_comes_up_ends_the_start(monkeypatch):
    monkeypatch.setattr(jobs, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(jobs, "LONGEST_DELAY_S", 0.01)
    with (
        Supervisor(io.StringIO()) as supervisor,
        pytest.raises(Failed, match=r"^web does not start \(exit code 1\)"),
    ):
        supervisor.start(Job("web", python("raise SystemExit(1)")))
        supervisor.until(lambda: False, timeout_s=20)


def test_each_death_in_a_row_waits_twice_as_long():
    process = jobs.Process(Job("web", python("pass")))
    waits = []
    for _ in range(7):
        process.start()
        assert process.popen is not None
        process.popen.wait()
        before = time.monotonic()
        process.ended()
        waits.append(round((process.due or 0) - before))
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_what_a_process_started_goes_with_it():
    output = io.StringIO()
    code = "import subprocess as s; p = s.Popen(['sleep', '60']); print(p.pid, flush=True)"
    with Supervisor(output) as supervisor:
        supervisor.finish(Job("parent", python(code), keep=False))
        (grandchild,) = pids_in(output)
        wait_until(lambda: not alive(grandchild))


def test_a_process_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr("oskartrack.supervisor.loop.STOP_TIMEOUT_S", 0.3)
    output = io.StringIO()
    code = STUBBORN + "import os; print(os.getpid(), flush=True); time.sleep(60)"
    with Supervisor(output) as supervisor:
        supervisor.start(Job("stubborn", python(code)))
        supervisor.until(lambda: bool(pids_in(output)), timeout_s=20)
    assert not alive(pids_in(output)[0])


def test_a_second_ctrl_c_does_not_wait_for_a_stubborn_process():
    output = io.StringIO()
    code = STUBBORN + "import os; print(os.getpid(), flush=True); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(Stopped), Supervisor(output) as supervisor:
        supervisor.start(Job("stubborn", python(code)))
        supervisor.until(lambda: bool(pids_in(output)), timeout_s=20)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        supervisor.until(lambda: False)
    assert not alive(pids_in(output)[0])
    assert time.monotonic() - started < 8  # it would be 10 s with the polite wait


def test_those_that_others_need_end_last():
    output = io.StringIO()
    said = "import signal, time, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); "
    with Supervisor(output) as supervisor:
        for name, last in (("valkey", True), ("worker", False)):
            code = said + "\ntry: print('up', flush=True); time.sleep(60)\nfinally: print('down')"
            supervisor.start(Job(name, python(code), leaves_last=last))
        supervisor.until(lambda: output.getvalue().count("up") == 2, timeout_s=20)
    downs = [line.split()[0] for line in output.getvalue().splitlines() if line.endswith("down")]
    assert downs == ["worker", "valkey"]


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGCHLD)
    with Supervisor(io.StringIO()):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGCHLD)) == before


def test_a_program_that_is_not_there_ends_the_start_and_what_runs_by_then():
    output = io.StringIO()
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(FileNotFoundError), Supervisor(output) as supervisor:
        supervisor.start(Job("first", python(code)))
        supervisor.until(lambda: bool(pids_in(output)), timeout_s=20)
        supervisor.start(Job("second", ["/there/is/no/such/program"]))
    assert not alive(pids_in(output)[0])


def test_a_program_that_cannot_be_started_again_is_tried_again_and_the_others_run_on(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(jobs, "FIRST_DELAY_S", 0.05)
    output = io.StringIO()
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho up\nexec sleep 60\n")
    program.chmod(0o755)
    with Supervisor(output) as supervisor:
        supervisor.start(Job("web", [str(program)]))
        supervisor.start(Job("other", ["sleep", "60"]))
        supervisor.until(lambda: "up" in output.getvalue(), timeout_s=20)
        other = supervisor._processes["other"].popen
        away = program.rename(tmp_path / "away")
        supervisor._processes["web"].signal(signal.SIGKILL)
        supervisor.until(lambda: "cannot be started" in output.getvalue(), timeout_s=20)
        away.rename(program)
        supervisor.until(lambda: output.getvalue().count("| up") == 2, timeout_s=20)
        assert supervisor._processes["other"].popen is other
        assert other is not None and other.poll() is None


def test_a_process_that_closes_its_output_costs_no_time_of_a_core():
    code = "import os, time; [os.close(n) for n in (1, 2)]; time.sleep(60)"
    with Supervisor(io.StringIO()) as supervisor:
        supervisor.start(Job("silent", python(code)))
        popen = supervisor._processes["silent"].popen
        assert popen is not None
        supervisor.until(lambda: not os_open(popen.pid, 1), timeout_s=20)
        began_s, until_s = time.process_time(), time.monotonic() + 1
        supervisor.until(lambda: time.monotonic() > until_s)
        assert time.process_time() - began_s < 0.2
        supervisor._processes["silent"].signal(signal.SIGKILL)
        supervisor.until(lambda: supervisor._processes["silent"].due is not None, timeout_s=20)


def os_open(pid: int, descriptor: int) -> bool:
    return os.path.lexists(f"/proc/{pid}/fd/{descriptor}")
