{-# LANGUAGE OverloadedStrings #-}

-- | A Lambda function in Haskell: reads a line, prints a line.  The JSON is aeson's.
module Main (main) where

import Control.Exception
import Control.Monad (unless)
import Data.Aeson
import qualified Data.Aeson.KeyMap as KeyMap
import qualified Data.ByteString.Char8 as B
import qualified Data.ByteString.Lazy.Char8 as L
import Data.Text (Text)
import qualified Data.Text as Text
import qualified Data.Text.IO as Text
import Data.Typeable (typeOf)
import GHC.IO.Encoding (setLocaleEncoding)
import GHC.IO.Handle (hDuplicate, hDuplicateTo)
import System.Exit (die)
import System.IO

newtype ExampleError = ExampleError Text deriving (Show)

instance Exception ExampleError where
  displayException (ExampleError message) = Text.unpack message

-- | The function itself: an event in, a result out, an exception where it cannot.
function :: Value -> IO Value
function (Object event)
  | Just (String reason) <- KeyMap.lookup "fail" event = throwIO (ExampleError reason)
  | Just value <- KeyMap.lookup "echo" event = pure value
  | Just (String name) <- KeyMap.lookup "name" event = do
      Text.putStrLn ("greeting " <> name) -- a log line
      pure (object ["greeting" .= ("Hello, " <> name <> "!")])
function _ = throwIO (ExampleError "expected a name, fail or echo")

-- What follows is the loop, to be kept as it is.

data Request = Request {requestId :: Value, requestEvent :: Value}

instance FromJSON Request where
  parseJSON = withObject "request" $ \o -> Request <$> o .: "id" <*> o .: "event"

main :: IO ()
main = do
  -- Replies get a copy of standard output, and standard output itself becomes the log, so that no
  -- print can land in the middle of a reply.
  replies <- hDuplicate stdout
  hDuplicateTo stderr stdout
  hSetBuffering stdout LineBuffering
  -- What is printed and what files hold is UTF-8, whatever the locale says.
  setLocaleEncoding utf8
  mapM_ (`hSetEncoding` utf8) [stdout, stderr]
  loop replies

-- | The end of input means stop.  A space may come before the first line, and then nothing at all.
loop :: Handle -> IO ()
loop replies = do
  end <- isEOF
  unless end $ do
    line <- B.dropWhile (== ' ') <$> B.getLine -- bytes, which no locale can spoil
    unless (B.all (`elem` (" \r" :: String)) line) $ do
      reply <- answer line
      -- A pipe is not a terminal: the handle would keep the reply back.
      B.hPutStrLn replies reply >> hFlush replies
    loop replies

-- | One reply to one request, tagged with the request's id.
answer :: B.ByteString -> IO B.ByteString
answer line = case eitherDecodeStrict line of
  Right request -> do
    -- The reply is written inside `try`, since a lazy result can fail as late as that.
    outcome <- try (function (requestEvent request) >>= evaluate . tagged (requestId request) "result")
    pure (either (tagged (requestId request) "error" . failure) id outcome)
  Left problem
    -- What aeson refuses is answered too: the id stands at a fixed place.
    | "{\"id\":\"" `B.isPrefixOf` line ->
        pure (tagged (toJSON (B.unpack (B.take 16 (B.drop 7 line)))) "error" (refusal problem))
    | otherwise -> die ("the line is no request: " <> problem)
  where
    tagged name key value = L.toStrict (encode (object ["id" .= name, key .= value]))
    refusal problem = failure (toException (ErrorCall problem))

failure :: SomeException -> Value
failure e@(SomeException inner) =
  object
    [ "errorType" .= show (typeOf inner),
      "errorMessage" .= message,
      "stackTrace" .= lines stack
    ]
  where
    -- GHC keeps a call stack for `error`; other exceptions have none.
    (message, stack) = case fromException e of
      Just (ErrorCallWithLocation said calls) -> (said, calls)
      Nothing -> (displayException inner, "")
