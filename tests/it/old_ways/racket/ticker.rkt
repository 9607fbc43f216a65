#lang racket/base
;; A loop that reads events and prints lines for people, in the form that event streams have.
(require json)

(for ([line (in-lines)])
  (define event (hash-ref (string->jsexpr line) 'event))
  (printf "data: ~a is at ~a\n" (hash-ref event 'share) (hash-ref event 'price))
  (flush-output))
