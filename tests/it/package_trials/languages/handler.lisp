;;; A Lambda function in Common Lisp, which has no JSON of its own: this one takes what it needs out of the line.
(defun text-after (mark line)
  (let* ((found (search mark line))
         (start (and found (+ found (length mark)))))
    (when start (subseq line start (position #\" line :start start)))))

(defun main ()
  (loop for line = (read-line *standard-input* nil)
        while line
        do (let ((id (text-after "\"id\":\"" line))
                 (name (text-after "\"event\":{\"name\":\"" line)))
             (when name
               (format t "{\"id\":\"~a\",\"result\":{\"greeting\":\"Hello, ~a!\"}}~%" id name)
               (finish-output)))))

(save-lisp-and-die "handler" :executable t :save-runtime-options t :toplevel #'main)
