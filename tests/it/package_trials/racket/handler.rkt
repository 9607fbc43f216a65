#lang racket/base
;; A Lambda function in Racket: reads a value, prints a line.
(require json)

(define (greet event)
  (hasheq 'greeting (format "Hello, ~a!" (hash-ref event 'name))))

(define (answer request)
  (define id (hash-ref request 'id))
  (with-handlers ([exn:fail?
                   (λ (e) (hasheq 'id id
                                  'error (hasheq 'errorType "exn:fail"
                                                 'errorMessage (exn-message e))))])
    (hasheq 'id id 'result (greet (hash-ref request 'event)))))

(module+ main
  (for ([request (in-port read-json)])
    (write-json (answer request))
    (newline)
    (flush-output)))
