;;; Builds build/handler, and keeps all that is compiled on the way in that folder, too.
(require "asdf")
(asdf:initialize-output-translations
 `(:output-translations (t (,(uiop:getcwd) "build" "cache")) :ignore-inherited-configuration))
(push (uiop:getcwd) asdf:*central-registry*)
;; The compiler tells of problems on *error-output*, and what it is doing goes nowhere.
(let ((*standard-output* (make-broadcast-stream)))
  (handler-case (asdf:make "handler")
    (uiop:compile-file-error () (uiop:quit 1))))
