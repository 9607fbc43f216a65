//! Handlers that are wrong in what they do with a line that is no request, and with the requests behind it.

use crate::check::Checked;

/// A story for each row: a name, Python lines behind the head, the codes.
macro_rules! wrong {
    ($($name:ident: $lines:expr => $codes:expr;)*) => {$(
        #[test]
        fn $name() {
            Checked::only("bad-line", $lines).finds(&$codes, 0);
        }
    )*};
}

wrong! {
    answers_null_to_what_it_cannot_read: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)).get('result'))
    except ValueError: show(None)
" => ["C112"];
    answers_an_empty_line: "
for line in sys.stdin:
    if not line.strip(): show({'nothing': True})
    else: show(serve(json.loads(line)).get('result'))
" => ["C112"];
    answers_half_a_request_with_its_id: "
for line in sys.stdin:
    id = line.split('\"')[3] if line.startswith('{') else None
    try: show(serve(json.loads(line)))
    except ValueError: show({'id': id, 'result': 'unknown'})
" => ["C112"];
    answers_it_once_the_next_request_has_come: "
late = []
for line in sys.stdin:
    if not line.strip(): continue
    try: late.append(serve(json.loads(line)).get('result'))
    except ValueError: late.append('nothing')
    else:
        for reply in late: show(reply)
        late.clear()
" => ["C113"];
    keeps_the_request_before: "
request = None
for line in sys.stdin:
    if not line.strip(): continue
    try: request = json.loads(line)
    except ValueError: pass
    show(serve(request))
" => ["C113"];
    answers_an_error_with_the_id_before: "
request = None
for line in sys.stdin:
    if not line.strip(): continue
    try:
        request = json.loads(line)
        show(serve(request))
    except ValueError: show({'id': request['id'], 'error': 'no JSON'})
" => ["C113"];
    keeps_one_reply_behind: "
held = []
for line in sys.stdin:
    if not line.strip(): continue
    try: held.append(serve(json.loads(line)).get('result'))
    except ValueError: held.insert(0, 'lambda-stdio marker')
    else: show(held.pop(0))
" => ["C113"];
    answers_every_request_with_an_error_from_then_on: "
failed = False
for line in sys.stdin:
    if not line.strip(): continue
    try: request = json.loads(line)
    except ValueError: failed = True
    if failed: show({'id': request['id'], 'error': 'no JSON'})
    else: show(serve(request))
" => ["C113"];
    stops_reading: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)))
    except ValueError: time.sleep(60)
" => ["C114"];
    swallows_the_next_request: "
for line in sys.stdin:
    if not line.strip(): continue
    try: request = json.loads(line)
    except ValueError:
        sys.stdin.readline()
        continue
    show(serve(request))
" => ["C114"];
    closes_its_output_over_it: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)))
    except ValueError: os.close(1); time.sleep(60)
" => ["C114"];
    says_nothing: "
for line in sys.stdin:
    try: show(serve(json.loads(line)))
    except ValueError: pass
" => ["C204"];
    ends_without_a_word: "
for line in sys.stdin:
    try: show(serve(json.loads(line)))
    except ValueError: sys.exit(0)
" => ["C204"];
}
