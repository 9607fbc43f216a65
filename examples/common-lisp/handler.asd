(defsystem "handler"
  :description "A Lambda function: reads a line, prints a line."
  :depends-on ("yason")
  :components ((:file "handler"))
  :build-operation "program-op"
  :build-pathname "build/handler"
  :entry-point "handler:main")
