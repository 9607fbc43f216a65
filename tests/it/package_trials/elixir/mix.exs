defmodule Greeter.MixProject do
  use Mix.Project

  def project do
    [app: :greeter, version: "0.1.0", elixir: "~> 1.14"]
  end

  # jiffy is Debian's package erlang-jiffy, since Erlang has had JSON of its own only from 27 on.
  def application do
    [mod: {Greeter, []}, extra_applications: [:jiffy]]
  end
end
