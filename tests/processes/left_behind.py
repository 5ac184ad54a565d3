"""What one job can leave for the next one, as code of jobs, by the rows of the table in docs/writing-tasks.md."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """row: of the table. change: what the first job does. look: an expression that shows it, for every job."""

    row: str
    name: str
    change: str
    look: str

    @property
    def id(self) -> str:
        return f"{self.row}: {self.name}"


# Rows with tests of their own.
OTHER_ROWS = {
    "asyncio tasks": "test_asyncio_tasks_that_a_job_leaves_are_cancelled_and_named",
    "threads": "test_a_thread_that_outlives_its_job_reaches_no_other_job",
    "exit handlers": "test_exit_handlers_run_and_temporary_folders_go_with_a_fresh_process",
}

LOG_LEVELS = "[logging.getLogger(name).getEffectiveLevel() for name in ('', 'author', 'asyncinweb')]"
LOG_HANDLERS = "[len(logging.getLogger(name).handlers) for name in ('', 'author', 'asyncinweb')]"
SILENCED = "[logging.getLogger(name).isEnabledFor(logging.INFO) for name in ('', 'author', 'asyncinweb.workers')]"

CASES = [
    # --- the working folder ---
    Case("working folder", "another one", "os.chdir('/')", "os.getcwd()"),
    Case("working folder", "one that is gone", "os.mkdir('x'); os.chdir('x'); os.rmdir('../x')", "whereabouts()"),
    Case("working folder", "itself removed", "os.rmdir(os.getcwd())", "whereabouts()"),
    Case("working folder", "renamed", "os.rename(os.getcwd(), os.getcwd() + '-2')", "whereabouts()"),
    # --- environment ---
    Case("environment", "a variable more", "os.environ['LEFT'] = '1'", "os.environ.get('LEFT')"),
    Case("environment", "a variable less", "del os.environ['PATH']", "'PATH' in os.environ"),
    Case("environment", "all of it", "os.environ = {}", "[type(os.environ).__name__, len(os.environ)]"),
    Case("environment", "seen by a program", "os.environ['LEFT'] = '1'", "os.popen('echo $LEFT').read()"),
    Case("environment", "the time zone", "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "time.tzname"),
    # --- process ---
    Case("umask", "closed", "os.umask(0o777)", "umask()"),
    Case("locale", "all of it", "locale.setlocale(locale.LC_ALL, 'C.UTF-8')", "locale.setlocale(locale.LC_ALL)"),
    Case("locale", "numbers", "locale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')", "locale.setlocale(locale.LC_ALL)"),
    Case("priority and limits", "open files", "limit(resource.RLIMIT_NOFILE, 64)", "limits()"),
    Case("priority and limits", "size of files", "limit(resource.RLIMIT_FSIZE, 10_000_000)", "limits()"),
    # --- alarms and signals ---
    Case("alarms and signal handlers", "a timer", "signal.setitimer(signal.ITIMER_PROF, 60)", "timers()"),
    Case(
        "alarms and signal handlers", "processor time", "signal.setitimer(signal.ITIMER_VIRTUAL, 60)", "timers()"
    ),
    Case(
        "alarms and signal handlers",
        "a handler",
        "signal.signal(signal.SIGALRM, lambda *_: None)",
        "repr(signal.getsignal(signal.SIGALRM))[:9]",
    ),
    Case("alarms and signal handlers", "hang-up", "signal.signal(signal.SIGHUP, signal.SIG_IGN)", "hang_up()"),
    Case("alarms and signal handlers", "one of asyncio", "hear_by_asyncio()", "signal.set_wakeup_fd(-1) == -1"),
    Case(
        "alarms and signal handlers",
        "the stop signal by asyncio",
        "asyncio.get_event_loop().add_signal_handler(signal.SIGTERM, print)",
        "getattr(signal.getsignal(signal.SIGTERM), '__qualname__', 'default')",
    ),
    # --- Python ---
    Case("warnings filters", "errors", "warnings.simplefilter('error')", "len(warnings.filters)"),
    Case("warnings filters", "none", "warnings.resetwarnings()", "len(warnings.filters)"),
    Case("warnings filters", "shown elsewhere", "logging.captureWarnings(True)", "warnings.showwarning.__name__"),
    Case("`sys.path`", "a folder more", "sys.path.insert(0, '/nowhere')", "sys.path"),
    Case("`sys.path`", "another list", "sys.path = ['/nowhere']", "sys.path"),
    Case("Python's own settings", "arguments", "sys.argv[:] = ['other']", "sys.argv"),
    Case("Python's own settings", "input", "sys.stdin = io.StringIO('x')", "type(sys.stdin).__name__"),
    Case("Python's own settings", "hook", "sys.excepthook = print", "sys.excepthook.__name__"),
    Case("Python's own settings", "trace", "sys.settrace(lambda *_: None)", "sys.gettrace() is None"),
    Case("Python's own settings", "profile", "sys.setprofile(lambda *_: None)", "sys.getprofile() is None"),
    Case("Python's own settings", "recursion", "sys.setrecursionlimit(150)", "sys.getrecursionlimit()"),
    Case(
        "Python's own settings",
        "collector",
        "gc.disable(); gc.set_threshold(7)",
        "[gc.isenabled(), gc.get_threshold()]",
    ),
    Case("Python's own settings", "digits", "sys.set_int_max_str_digits(0)", "sys.get_int_max_str_digits()"),
    Case("Python's own settings", "switching", "sys.setswitchinterval(1)", "sys.getswitchinterval()"),
    Case("Python's own settings", "stacks", "threading.stack_size(2**20)", "stack_size()"),
    Case("Python's own settings", "bytecode", "sys.dont_write_bytecode ^= True", "sys.dont_write_bytecode"),
    Case(
        "Python's own settings",
        "a folder for temporary files",
        "tempfile.tempdir = os.mkdir('own') or os.path.abspath('own')",
        "tempfile.gettempdir()",
    ),
    Case(
        "Python's own settings",
        "a temporary folder by environment",
        "os.mkdir('own'); os.environ['TMPDIR'] = os.path.abspath('own'); tempfile.gettempdir()",
        "tempfile.gettempdir()",
    ),
    Case("Python's own settings", "sockets", "socket.setdefaulttimeout(0.1)", "socket.getdefaulttimeout()"),
    Case("Python's own settings", "decimals", "decimal.getcontext().prec = 3", "str(decimal.Decimal(1) / 3)"),
    Case(
        "Python's own settings", "rounding errors", "decimal.getcontext().traps[decimal.Inexact] = True", "traps()"
    ),
    Case("Python's own settings", "a context variable", "VARIABLE.set('left')", "VARIABLE.get('')"),
    # --- logging ---
    Case("logging", "level", "logging.getLogger().setLevel(logging.ERROR)", LOG_LEVELS),
    Case("logging", "level of one", "logging.getLogger('author').setLevel(logging.DEBUG)", LOG_LEVELS),
    Case("logging", "handler", "logging.getLogger('author').addHandler(logging.StreamHandler())", LOG_HANDLERS),
    Case("logging", "handler for all", "logging.getLogger().addHandler(logging.StreamHandler())", LOG_HANDLERS),
    Case("logging", "all disabled", "logging.disable(logging.CRITICAL)", SILENCED),
    Case("logging", "configuration", "logging.config.dictConfig({'version': 1})", SILENCED),
    Case("logging", "basicConfig", "logging.basicConfig(force=True, level=logging.ERROR)", LOG_LEVELS),
    Case(
        "logging",
        "propagation",
        "logging.getLogger('author').propagate = False",
        "logging.getLogger('author').propagate",
    ),
    Case("logging", "our handler", "logging.getLogger().handlers[0].setLevel(logging.ERROR)", "handler_level()"),
    Case("logging", "records", "logging.setLogRecordFactory(dict)", "logging.getLogRecordFactory().__name__"),
    # --- figures ---
    Case("pyplot figures", "one", "pyplot().plot([1, 2])", "pyplot().get_fignums()"),
    Case("pyplot figures", "several", "[pyplot().figure() for _ in range(3)]", "pyplot().get_fignums()"),
    Case(
        "pyplot figures",
        "style",
        "pyplot().style.use('dark_background')",
        "pyplot().rcParams['axes.facecolor']",
    ),
    Case(
        "pyplot figures",
        "setting",
        "pyplot().rcParams['lines.linewidth'] = 9",
        "pyplot().rcParams['lines.linewidth']",
    ),
    # --- asyncio ---
    Case("asyncio's loop", "after asyncio.run", "asyncio.run(asyncio.sleep(0))", "loop_name()"),
    Case("asyncio's loop", "closed", "asyncio.get_event_loop().close()", "loop_name()"),
    Case("asyncio's loop", "another one", "asyncio.set_event_loop(None)", "loop_name()"),
    Case(
        "asyncio's loop",
        "debugged",
        "asyncio.get_event_loop().set_debug(True)",
        "asyncio.get_event_loop().get_debug()",
    ),
    # --- files ---
    Case("files in the working folder", "a file", "open('rows.csv', 'w').close()", "os.listdir()"),
    Case(
        "files in the working folder", "a folder", "os.makedirs('a/b'); open('a/b/c', 'w').close()", "os.listdir()"
    ),
    Case("files in the working folder", "a link", "os.symlink('/', 'root')", "os.listdir()"),
    Case(
        "files in the working folder",
        "read only",
        "os.mkdir('a'); open('a/b', 'w').close(); os.chmod('a', 0)",
        "os.listdir()",
    ),
]

# Threads that work on when their job has ended, by kind.
LONG_THREADS = {
    "a thread": "threading.Thread(target=time.sleep, args=(60,)).start()",
    "a daemon": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "a timer": "threading.Timer(60, print).start()",
    "one without a name": "_thread.start_new_thread(lambda: time.sleep(60), ())",
    "a busy pool": "ThreadPoolExecutor(1).submit(time.sleep, 60)",
    "to_thread": "asyncio.get_event_loop().run_in_executor(None, time.sleep, 60)",
    "a server": "threading.Thread(target=http.server.HTTPServer(('127.0.0.1', 0), None).serve_forever).start()",
}
SHORT_THREADS = {
    "one that ends at once": "threading.Thread(target=time.sleep, args=(0.02,)).start()",
    "one that was waited for": "thread = threading.Thread(target=print); thread.start(); thread.join()",
    "a pool without work": "kept['idle'] = ThreadPoolExecutor(2); list(kept['idle'].map(abs, [1, 2]))",
    "to_thread": "asyncio.run(asyncio.to_thread(print))",
    "to_thread on our loop": "asyncio.get_event_loop().run_until_complete(asyncio.to_thread(print))",
    "the monitor of tqdm": "list(tqdm(range(2)))",
}


def _helper(name: str, change: str, look: str) -> Case:
    return Case("libraries' helper processes", name, change, look)


_MAP = "list(kept['pool'].map(abs, [-1, -2]))"
# Each leaves something at work, and gives [1, 2].
HELPERS = [
    _helper(
        "a process of the fork server",
        "p = forkserver.Process(target=print); p.start(); p.join()",
        "[1, p.exitcode + 2]",
    ),
    _helper("a pool of the fork server", "kept['pool'] = forkserver.Pool(2)", _MAP),
    _helper("an open pool", "kept['pool'] = spawn.Pool(2)", _MAP),
    _helper("an open executor", "kept['pool'] = ProcessPoolExecutor(2, mp_context=spawn)", _MAP),
    _helper("a manager", "kept['manager'] = spawn.Manager()", "list(kept['manager'].list([1, 2]))"),
    _helper(
        "a process",
        "fork.Process(target=time.sleep, args=(60,)).start()",
        "[len(multiprocessing.active_children()), 2]",
    ),
    _helper(
        "a process that multiprocessing has not seen end",
        "p = fork.Process(target=print); p.start(); os.waitpid(p.pid, 0)",
        "[len(multiprocessing.active_children()), 2]",
    ),
    _helper("a queue", "kept['q'] = spawn.Queue(); kept['q'].put([1, 2])", "kept['q'].get()"),
    _helper("a lock", "kept['lock'] = spawn.Lock()", "[1, 2]"),
    _helper("shared memory", "kept['memory'] = SharedMemory(create=True, size=10)", "[1, 2]"),
    _helper(
        "joblib", "from joblib import Parallel, delayed", "Parallel(n_jobs=2)(delayed(abs)(x) for x in [-1, -2])"
    ),
    _helper("joblib with arrays", "import joblib, numpy", "share_an_array(joblib, numpy)"),
]
