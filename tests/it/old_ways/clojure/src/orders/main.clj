(ns orders.main
  "An order in, what it costs out: a line of JSON for a line of JSON, and nothing else."
  (:require [clojure.data.json :as json]
            [clojure.java.io :as io]
            [orders.catalogue :as catalogue]
            [orders.price :as price])
  (:gen-class))

(defn answer
  [prices {:keys [event context]}]
  {:order (:order event)
   :total (price/total prices (:items event))
   :function (:functionName context)})

(defn -main
  [& _]
  (let [prices (catalogue/load-prices)]
    (binding [*out* *err*]
      (println "orders: ready with" (count prices) "prices"))
    (doseq [line (line-seq (io/reader *in*))]
      (println (json/write-str (answer prices (json/read-str line :key-fn keyword :bigdec true)))))))
