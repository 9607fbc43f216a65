(ns orders.price
  "Sums, exact to the cent."
  (:require [clojure.spec.alpha :as spec]))

(spec/def ::sku string?)
(spec/def ::count pos-int?)
(spec/def ::item (spec/keys :req-un [::sku ::count]))

(defn total
  [prices items]
  (reduce + 0.00M
          (for [{:keys [sku count] :as item} items]
            (if (spec/valid? ::item item)
              (* count (get prices sku 0M))
              (throw (ex-info (spec/explain-str ::item item) {:item item}))))))
