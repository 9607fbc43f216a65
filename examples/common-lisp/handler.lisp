;;;; A Lambda function in Common Lisp: reads a line, prints a line.  The JSON is YASON's.

(defpackage #:handler
  (:use #:common-lisp)
  (:export #:main))
(in-package #:handler)

(define-condition example-error (error)
  ((reason :initarg :reason :reader reason))
  (:report (lambda (condition stream) (write-string (reason condition) stream))))

(defun object (&rest members)
  "A JSON object, which is a hash table to YASON."
  (loop with table = (make-hash-table :test #'equal)
        for (name value) on members by #'cddr
        do (setf (gethash name table) value)
        finally (return table)))

(defun handle (event)
  "The function itself: an event in, a result out, a condition where it cannot."
  (unless (hash-table-p event)
    (error 'example-error :reason "expected an object with a name, fail or echo"))
  (let ((name (gethash "name" event))
        (reason (gethash "fail" event)))
    (multiple-value-bind (value echo) (gethash "echo" event)
      (cond ((stringp reason) (error 'example-error :reason reason))
            (echo value)
            ((stringp name)
             (format t "greeting ~a~%" name) ; a log line
             (object "greeting" (format nil "Hello, ~a!" name)))
            (t (error 'example-error :reason "expected a name, fail or echo"))))))

;;; What follows is the loop, to be kept as it is.

;; YASON writes control characters as they are, which is no JSON, and halves of surrogate pairs
;; cannot be written as UTF-8.
(loop for (first last) in '((#x00 #x1F) (#xD800 #xDFFF))
      do (loop for code from first to last
               for char = (code-char code)
               unless (gethash char yason::*char-replacements*)
                 do (setf (gethash char yason::*char-replacements*) (format nil "\\u~4,'0x" code))))

;; Read as keyword, null differs from false and [], but YASON would not write it.
(defmethod yason:encode ((object (eql :null)) &optional (stream *standard-output*))
  (write-string "null" stream)
  object)

;; YASON writes 1.5e300 with 300 digits.
(defmethod yason:encode ((object double-float) &optional (stream *standard-output*))
  (princ object stream))

(defun parse (line)
  (yason:parse line :json-arrays-as-vectors t
                    :json-booleans-as-symbols t
                    :json-nulls-as-keyword t))

(defun encode (id key value)
  (with-output-to-string (stream)
    (yason:encode (object "id" id key value) stream)))

(defun failure (condition frames)
  "What the caller is told: EXAMPLE-ERROR becomes ExampleError."
  (object "errorType" (remove #\- (string-capitalize (type-of condition)))
          "errorMessage" (princ-to-string condition)
          "stackTrace" (coerce frames 'vector)))

(defun backtrace ()
  "The names of the functions that are being called, without their arguments: those may be long."
  (loop for (name) in (nthcdr 2 (sb-debug:list-backtrace :count 30))
        collect (prin1-to-string name)))

(defun answer (line)
  "One reply to one request, tagged with the request's id."
  (let (id)
    (block nil
      (handler-bind
          ((serious-condition
             (lambda (condition)
               (when id
                 (return (encode id "error" (failure condition (backtrace))))))))
        ;; What YASON refuses is answered too: the id stands at a fixed place.
        (when (and (eql (mismatch "{\"id\":\"" line) 7) (< 23 (length line)))
          (setf id (subseq line 7 23)))
        (let ((request (parse line)))
          (setf id (gethash "id" request))
          (encode id "result" (handle (gethash "event" request))))))))

(defun utf-8 (descriptor direction buffering)
  "A stream that is UTF-8 whatever the locale says."
  (sb-sys:make-fd-stream descriptor direction t
                         :buffering buffering
                         :external-format '(:utf-8 :replacement #\?)))

(defun main ()
  (let ((requests (utf-8 0 :input :full))
        (replies (utf-8 1 :output :full))
        (*read-default-float-format* 'double-float)) ; else 0.1 were read as a single float
    ;; Standard output becomes the log, so that no print can land in the middle of a reply.
    (setf *error-output* (utf-8 2 :output :line)
          *standard-output* *error-output*)
    (handler-case
        ;; The end of input means stop.
        (loop for line = (read-line requests nil)
              while line
              do (let ((line (string-trim '(#\Space #\Return) line)))
                   ;; A space may come before the first line, and then nothing at all.
                   (unless (string= line "")
                     (write-line (answer line) replies)
                     ;; A pipe is not a terminal: the stream would keep the reply back.
                     (finish-output replies))))
      (serious-condition (problem)
        (format t "the line is no request: ~a~%" problem)
        (finish-output)
        (sb-ext:exit :code 1 :abort t)))))
