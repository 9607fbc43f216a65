//! Handlers whose logs get into the way of their replies.

use crate::check::Checked;

/// A story for each row: a name, and Python lines behind the head.
macro_rules! wrong {
    ($($name:ident: $lines:expr;)*) => {$(
        #[test]
        fn $name() {
            Checked::only("logs", $lines).finds(&["C115"], 0);
        }
    )*};
}

wrong! {
    dies_of_a_standard_error_that_does_not_block: "
os.set_blocking(2, False)
for request in requests():
    sys.stderr.write(json.dumps(request) + '\\n')
    sys.stderr.flush()
    show(serve(request))
";
    does_not_wait_for_its_logs: "
import threading
for request in requests():
    timer = threading.Timer(0.25, os._exit, [7])
    timer.start()
    print(json.dumps(request), file=sys.stderr, flush=True)
    timer.cancel()
    show(serve(request))
";
    answers_an_error_where_its_logs_wait: "
import signal
def late(*_): raise TimeoutError('logs')
signal.signal(signal.SIGALRM, late)
for request in requests():
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.25)
        os.write(2, json.dumps(request).encode() + b'\\n')
        signal.setitimer(signal.ITIMER_REAL, 0)
        show(serve(request))
    except TimeoutError as error: show({'id': request['id'], 'error': str(error)})
";
    does_not_read_what_its_child_logs: "
echo = 'while read -r line; do echo \"$line\" >&2; echo; done'
pipes = dict.fromkeys(['stdin', 'stdout', 'stderr'], subprocess.PIPE)
child = subprocess.Popen(['bash', '-c', echo], **pipes)
for request in requests():
    reply = serve(request)
    if 'error' in reply:
        child.stdin.write(json.dumps(request).encode() + b'\\n')
        child.stdin.flush()
        child.stdout.readline()
    show(reply)
";
}
