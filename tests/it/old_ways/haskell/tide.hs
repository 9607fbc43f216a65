{-# LANGUAGE OverloadedStrings #-}
-- | One process for each event: it reads a line with the event and its context, prints the answer, and ends.
module Main (main) where

import Data.Aeson
import Data.Aeson.Types (Parser, parseEither)
import qualified Data.ByteString.Char8 as Bytes
import qualified Data.ByteString.Lazy.Char8 as Lazy
import System.Posix.Process (getProcessID)

-- | The hour, on a clock of twelve, at which the water is back where it is now.
nextTide :: Value -> Parser Int
nextTide = withObject "event" $ \event -> do
  hour <- event .: "hour"
  pure ((hour + 12) `mod` 12)

request :: Value -> Parser (Int, String)
request = withObject "request" $ \line -> do
  tide <- nextTide =<< line .: "event"
  asked <- (.: "awsRequestId") =<< line .: "context"
  pure (tide, asked)

main :: IO ()
main = do
  line <- Bytes.getLine
  process <- getProcessID
  case eitherDecodeStrict line >>= parseEither request of
    Left what -> fail what
    Right (tide, asked) ->
      Lazy.putStrLn (encode (object
        ["tide" .= tide, "asked" .= asked, "process" .= toInteger process]))
