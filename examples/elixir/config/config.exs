import Config

# Lambda adds the time and the request, and takes each line for a record.
config :logger, :console, format: "[$level] $message\n"
