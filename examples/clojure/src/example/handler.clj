(ns example.handler
  "The loop around the function: a request in, a reply out, until the input ends."
  (:require [clojure.data.json :as json]
            [example.function :as function])
  (:import (java.io BufferedReader FileDescriptor FileOutputStream InputStreamReader
                    OutputStreamWriter PrintStream PrintWriter)
           (java.nio.charset StandardCharsets))
  (:gen-class))

(set! *warn-on-reflection* true)

(defn- error
  [^Throwable e]
  (let [{:keys [type]} (ex-data e)]
    {:errorType (if (or (string? type) (keyword? type)) (name type) (.getSimpleName (class e)))
     :errorMessage (or (ex-message e) (str e))
     :stackTrace (mapv str (.getStackTrace e))}))

(defn- line
  "A reply as one line; what is lazy in it is computed here."
  ^bytes [reply]
  (.getBytes (str (json/write-str reply) "\n") StandardCharsets/UTF_8))

(defn- answer
  ^bytes [{:strs [id event context]}]
  (try
    (line {:id id :result (function/handle event context)})
    (catch Throwable e
      (line {:id id :error (error e)}))))

(defn- serve
  [^BufferedReader input ^FileOutputStream output]
  (when-let [request (.readLine input)]
    (when-not (.isBlank request)
      ;; What is no JSON throws out of this loop and ends the program, with its reason in the log:
      ;; nothing tells whose request it was, and so the caller at least hears of it at once.
      ;; The reply is one write, so there is no buffer to flush.
      (.write output (answer (json/read-str request :bigdec true))))
    (recur input output)))

(defn- log-prints
  "What anyone prints is a log, so that it can never land in a reply."
  []
  (let [log (PrintStream. (FileOutputStream. FileDescriptor/err) true StandardCharsets/UTF_8)
        writer (PrintWriter. (OutputStreamWriter. log StandardCharsets/UTF_8) true)]
    (System/setOut log)
    (System/setErr log)
    (alter-var-root #'*out* (constantly writer))
    (alter-var-root #'*err* (constantly writer))))

(defn -main
  "Names UTF-8 wherever text is read or printed: the locale's encoding is ASCII in Lambda."
  [& _]
  (log-prints)
  ;; The threads behind agents and futures would keep the program alive, but for the exit.
  (try
    (serve (BufferedReader. (InputStreamReader. System/in StandardCharsets/UTF_8))
           (FileOutputStream. FileDescriptor/out))
    (System/exit 0)
    (catch Throwable e
      (.printStackTrace e)
      (System/exit 1))))
