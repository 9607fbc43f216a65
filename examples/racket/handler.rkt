#lang racket/base
;; A Lambda function in Racket: reads a line, prints a line.  The JSON is Racket's own.

(require json)

(struct ExampleError exn:fail ())

(define (fail-with message)
  (raise (ExampleError message (current-continuation-marks))))

;; The function itself: an event in, a result out, an exception where it cannot.
(define (handle event)
  (define (member-of key) (hash-ref event key #f))
  (cond
    [(not (hash? event)) (fail-with "expected an object with a name, fail or echo")]
    [(string? (member-of 'fail)) (fail-with (member-of 'fail))]
    [(hash-has-key? event 'echo) (hash-ref event 'echo)]
    [(string? (member-of 'name))
     (printf "greeting ~a\n" (member-of 'name)) ; a log line
     (hasheq 'greeting (string-append "Hello, " (member-of 'name) "!"))]
    [else (fail-with "expected a name, fail or echo")]))

;; What follows is the loop, to be kept as it is.

;; Racket's write-json takes ten seconds for a string of 6 MB, since its time grows with the square of
;; the length.  So strings, and all that may hold strings, are written here.
(define (write-value value out)
  (cond
    [(string? value)
     (write-char #\" out)
     (for ([char (in-string value)])
       (define escape (and (char<? char #\rubout) (vector-ref escapes (char->integer char))))
       (if escape (write-string escape out) (write-char char out)))
     (write-char #\" out)]
    [(list? value)
     (write-sequence "[" value "]" out write-value)]
    [(hash? value)
     (write-sequence "{" (hash->list value #t) "}" out
                     (lambda (member out)
                       (write-value (symbol->string (car member)) out)
                       (write-char #\: out)
                       (write-value (cdr member) out)))]
    [else (write-json value out)]))

(define (write-sequence open values close out write-one)
  (write-string open out)
  (for ([value (in-list values)] [index (in-naturals)])
    (unless (zero? index) (write-char #\, out))
    (write-one value out))
  (write-string close out))

;; How the library writes the characters that JSON allows in no string as they are.
(define escapes
  (for/vector ([code 127])
    (define char (integer->char code))
    (and (or (char<? char #\space) (memv char '(#\" #\\)))
         (cadr (regexp-match #rx"^\"(.*)\"$" (jsexpr->string (string char)))))))

(define (reply id key value)
  (define out (open-output-bytes))
  (write-value (hasheq 'id id key value) out)
  (get-output-bytes out))

(define (failure e)
  (hasheq
   'errorType (if (exn? e)
                  (substring (symbol->string (vector-ref (struct->vector e) 0)) 7) ; without "struct:"
                  "RaisedValue")
   'errorMessage (if (exn? e) (exn-message e) (format "~v" e))
   'stackTrace (for/list ([frame (in-list (if (exn? e)
                                              (continuation-mark-set->context (exn-continuation-marks e))
                                              null))]
                          [_ (in-range 30)]) ; a deep recursion has more than anybody reads
                 (format "~a ~a" (car frame) (if (cdr frame) (srcloc->string (cdr frame)) "")))))

;; One reply to one request, tagged with the request's id.
(define (answer line)
  (define request
    (with-handlers ([exn:fail? values])
      (bytes->jsexpr line)))
  (cond
    [(hash? request)
     (define id (hash-ref request 'id))
     ;; A break is SIGTERM, which is to end the program; anything else that is raised is the function's.
     (with-handlers ([(lambda (e) (not (exn:break? e))) (lambda (e) (reply id 'error (failure e)))])
       (reply id 'result (handle (hash-ref request 'event))))]
    ;; What the library refuses is answered too: the id stands at a fixed place.
    [(and (exn? request) (regexp-match #rx#"^ *{\"id\":\"([a-z0-9]+)\"" line))
     => (lambda (found) (reply (bytes->string/utf-8 (cadr found)) 'error (failure request)))]
    [else (raise (if (exn? request) request (exn:fail "the line is no request" (current-continuation-marks))))]))

(module+ main
  ;; Standard output becomes the log, so that no print can land in the middle of a reply.
  (define replies (current-output-port))
  (current-output-port (current-error-port))
  ;; The end of input means stop.
  (for ([line (in-bytes-lines (current-input-port) 'linefeed)])
    ;; A space may come before the first line, and then nothing at all.
    (when (regexp-match? #rx#"[^ \r]" line)
      (write-bytes (answer line) replies)
      (newline replies)
      ;; A pipe is not a terminal: the port would keep the reply back.
      (flush-output replies))))
