"""The face to the outside: HTTP, command line, import, simulation; `app` puts it all together."""
