;;; Builds build/handler, and keeps all that is compiled on the way in that folder, too.
(require "asdf")
(asdf:initialize-output-translations
 `(:output-translations (t (,(uiop:getcwd) "build" "cache")) :ignore-inherited-configuration))
(push (uiop:getcwd) asdf:*central-registry*)
;; Problems are printed on *error-output*, the names of the files that are compiled nowhere.
(let ((*standard-output* (make-broadcast-stream)))
  (asdf:make "handler"))
