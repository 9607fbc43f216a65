#!/bin/sh
# Builds ./handler from Debian's libraries alone: a configuration without a package server is one
# that cabal does not look for in the network, and its folder is here, not in $HOME.
set -e
export CABAL_CONFIG=/dev/null CABAL_DIR="$PWD/dist-newstyle/cabal"
cabal build -v0 handler
strip -o handler "$(cabal list-bin -v0 handler)"
