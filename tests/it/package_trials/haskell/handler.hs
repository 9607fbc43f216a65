{-# LANGUAGE OverloadedStrings #-}
-- The README's function in Haskell, with its imports.
import Control.Monad ((<=<))
import Data.Aeson
import Data.Aeson.Types (Parser, parseEither)
import qualified Data.ByteString.Lazy.Char8 as L
import System.IO

answer = withObject "request" $ \r -> do
  name <- r .: "event" >>= (.: "name")
  i <- r .: "id" :: Parser String
  pure $ object ["id" .= i, "result" .= object
    ["greeting" .= ("Hello, " ++ name ++ "!")]]

main = do
  hSetBuffering stdout LineBuffering
  mapM_ (L.putStrLn . either error encode
      . (parseEither answer <=< eitherDecode))
    . L.lines =<< L.getContents
