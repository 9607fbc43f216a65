//! Handlers that are wrong in one way each: each is named by its code, and by no other.

mod bad_line;
mod logs;

use super::Checked;

/// A story for each row: a name, Python lines behind the head, the codes, the exit code.
macro_rules! wrong {
    ($($name:ident: $lines:expr => $codes:expr, $exit:expr;)*) => {$(
        #[test]
        fn $name() {
            Checked::python($lines).finds(&$codes, $exit);
        }
    )*};
}

wrong! {
    no_flush: "for request in requests(): print(json.dumps(serve(request)))" => ["C004"], 3;
    no_line_end: "
for request in requests(): sys.stdout.write(json.dumps(serve(request))); sys.stdout.flush()
" => ["C005"], 3;
    every_second_request: "
for request in requests():
    if int(request['context']['awsRequestId'].split('-')[1]) % 2: show(serve(request))
" => ["C003"], 3;
    reads_and_says_nothing: "for request in requests(): pass" => ["C003"], 3;
    two_lines: "for request in requests(): show(1); show(2)" => ["C006"], 3;
    the_same_reply_twice: "
for request in requests(): show(serve(request)); show(serve(request))
" => ["C006"], 3;
    a_record_of_json_before_each_reply: "
for request in requests(): show({'level': 'info'}); show([len(str(request))])
" => ["C006"], 3;
    a_record_of_json_before_the_first_tagged_reply: "
for request in requests(): show({'level': 'info'}); show(serve(request))
" => ["C006"], 3;
    id_lost: "
for request in requests():
    reply = serve(request)
    if 'result' in reply: del reply['id']
    show(reply)
" => ["C007"], 3;
    id_null: "
for request in requests():
    reply = serve(request)
    if 'result' in reply: reply['id'] = None
    show(reply)
" => ["C007"], 3;
    id_lost_after_the_first: "
first = True
for request in requests():
    reply = serve(request)
    if not first: del reply['id']
    first = False
    show(reply)
" => ["C007"], 3;
    an_id_of_its_own: "
for request in requests(): show({**serve(request), 'id': 'aaaaaaaaaaaaaaaa'})
" => ["C008"], 3;
    the_id_before: "
id = 'aaaaaaaaaaaaaaaa'
for request in requests():
    show({**serve(request), 'id': id})
    id = request['id']
" => ["C008"], 3;
    answers_before_all_is_read: "
while os.read(0, 1):
    end = os.read(0, 1000)
    if not end: break
    print('[]', flush=True)
    time.sleep(0.2)
    while end and not end.endswith(b'\\n'): end = os.read(0, 65536)
" => ["C009"], 3;
    answers_before_it_reads: "
show([])
for request in requests(): show([])
" => ["C010"], 3;
    a_banner_of_json: "
show({'starting': True})
for request in requests(): show([len(str(request))])
" => ["C010"], 3;
    pretty_printer: "
for request in requests(): print(json.dumps(serve(request), indent=2), flush=True)
" => ["C011"], 3;
    words: "for request in requests(): print('hello', flush=True)" => ["C012"], 3;
    single_quotes: "for request in requests(): print({'a': 1}, flush=True)" => ["C012"], 3;
    not_a_number: "for request in requests(): print('{\"a\": NaN}', flush=True)" => ["C012"], 3;
    latin_1: "
for request in requests(): os.write(1, '\"Zo\\u00eb\"\\n'.encode('latin-1'))
" => ["C012"], 3;
    a_control_character_as_it_is: "
for request in requests(): os.write(1, b'\"a\\x01b\"\\n')
" => ["C012"], 3;
    dies_at_64_kib: "
while line := sys.stdin.readline(65536):
    if line.strip(): show(serve(json.loads(line)))
" => ["C013"], 3;
    reads_by_chunks_of_4096: "
while chunk := os.read(0, 4096):
    if chunk.strip(): show(serve(json.loads(chunk)))
" => ["C013"], 3;
    passes_over_long_lines: "
for request in requests():
    if len(json.dumps(request)) < 65536: show(serve(request))
" => ["C013"], 3;
    ignores_the_end_of_its_input: "
while True:
    line = sys.stdin.readline()
    if line.strip(): show(serve(json.loads(line)))
    elif not line: time.sleep(0.01)
" => ["C014"], 3;
    answers_the_end_of_its_input: "
for request in requests(): show(serve(request))
show({'done': True})
" => ["C015"], 3;
    an_error_as_a_result: "
for request in requests():
    reply = serve(request)
    show({'id': reply['id'], 'result': reply.get('error', 1)})
" => ["C016"], 3;
    a_plain_error: "
for request in requests():
    reply = serve(request)
    show({'error': 'no'} if 'error' in reply else [1])
" => ["C016"], 3;
    says_nothing_of_errors: "
for request in requests():
    if 'result' in serve(request): show(serve(request))
" => ["C017"], 3;
    ends_before_its_first_request: "sys.exit(4)" => ["C018"], 3;
    ends_over_its_second_request: "
for number, request in enumerate(requests()):
    if number: sys.exit(4)
    show(serve(request))
" => ["C018"], 3;
    closes_its_output: "
for request in requests(): show(serve(request)); os.close(1); time.sleep(60)
" => ["C019"], 3;
    closes_its_input: "
for request in requests(): show(serve(request)); os.close(0); time.sleep(60)
" => ["C019"], 3;
    a_byte_order_mark_on_each_line: "
for request in requests(): print('\\ufeff' + json.dumps(serve(request)), flush=True)
" => ["C022"], 3;
    text_beside_tagged_replies: "
for request in requests(): print('working', flush=True); show(serve(request))
" => ["C101"], 0;
    a_banner_of_text: "
print('Starting', flush=True)
for request in requests(): show([len(str(request))])
" => ["C101"], 0;
    dies_of_events_it_cannot_serve: "
for request in requests(): show([request['event']['name']])
" => ["C102"], 0;
    errors_without_a_type: "
for request in requests():
    reply = serve(request)
    show({'id': reply['id'], 'error': {'code': 3}} if 'error' in reply else reply)
" => ["C103"], 0;
    a_status_at_the_end: "
for request in requests(): show(serve(request))
sys.exit(1)
" => ["C104"], 0;
    does_not_skip_a_blank_line: "
for line in sys.stdin: show(serve(json.loads(line)))
" => ["C104"], 0;
    leaves_a_child_that_holds_its_output: "
subprocess.Popen(['sleep', '60'])
for request in requests(): show(serve(request))
" => ["C105"], 0;
    doubles_what_it_is_sent: "
for request in requests():
    result = 'x' * (6300000 if len(str(request)) > 4000 else 1)
    show([result])
" => ["C203"], 0;
    never_reads: "time.sleep(60)" => ["C002"], 3;
}

#[test]
fn lines_where_lengths_were_set() {
    let lines = "
source = sys.stdin.buffer
while head := source.read(4):
    show(serve(json.loads(source.read(int.from_bytes(head, 'big')))))
";
    Checked::python(lines).env("LAMBDA_STDIO_FRAMING", "length").finds(&["C020"], 3);
}

#[test]
fn lengths_the_wrong_way_round() {
    let lines = "
source = sys.stdin.buffer
while head := source.read(4):
    reply = json.dumps(serve(json.loads(source.read(int.from_bytes(head, 'big'))))).encode()
    sys.stdout.buffer.write(len(reply).to_bytes(4, 'little') + reply)
    sys.stdout.buffer.flush()
";
    Checked::python(lines).env("LAMBDA_STDIO_FRAMING", "length").finds(&["C020"], 3);
}

#[test]
fn standard_output_where_a_descriptor_was_set() {
    let lines = "for request in requests(): show(serve(request))";
    Checked::python(lines).env("LAMBDA_STDIO_REPLY_FD", "5").finds(&["C021"], 3);
}

#[test]
fn a_program_that_is_not_there() {
    Checked::program(&[], &["./no-such-program"]).finds(&["C001"], 5);
}

#[test]
fn a_shell_whose_program_does_not_flush() {
    let words = ["sh", "-c", "sed 's/.*/1/' | cat"];
    Checked::program(&[], &words).finds(&["C004"], 3);
}
