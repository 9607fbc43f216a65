defmodule Handler.MixProject do
  use Mix.Project

  def project do
    [
      app: :handler,
      version: "0.1.0",
      elixir: "~> 1.14",
      # In the release the program ends when the application does.
      start_permanent: Mix.env() == :prod,
      # Nobody talks to this node; a cookie that is always the same makes the same zip each time.
      releases: [handler: [include_executables_for: [:unix], cookie: "unused"]]
    ]
  end

  # jiffy is Debian's package erlang-jiffy: Elixir has JSON of its own only from 1.18 on.
  def application do
    [mod: {Handler.Application, []}, extra_applications: [:logger, :jiffy]]
  end
end
