defmodule Desk.MixProject do
  use Mix.Project

  def project do
    [app: :desk, version: "0.1.0", elixir: "~> 1.14", start_permanent: Mix.env() == :prod]
  end

  # jiffy is Debian's package erlang-jiffy: no package from Hex is needed.
  def application do
    [mod: {Desk.Application, []}, extra_applications: [:logger, :jiffy]]
  end
end
