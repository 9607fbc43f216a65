(ns example.function
  "The function: this file is yours, and handler.clj stays as it is.")

(defn handle
  "One event in, its result out: anything that data.json can write.
  The context says which function this is, until when, and for whom."
  [event context]
  (let [{:strs [name fail]} event]
    (cond
      (and (map? event) (contains? event "echo")) (event "echo")
      ;; The caller gets :type as the errorType; without one it is the exception's class.
      (string? fail) (throw (ex-info fail {:type "ExampleError"}))
      (string? name) {:greeting (str "Hello, " name "!")}
      :else (throw (IllegalArgumentException. "the event has no \"name\" that is a string")))))
