(ns orders.catalogue
  "The prices, which are fetched once, before the first order.")

(defn load-prices
  "Stands for a call to the shop's own server, which takes its time."
  []
  (Thread/sleep 3000)
  {"tea" 3.90M, "coffee" 5.20M, "sugar" 0.45M})
