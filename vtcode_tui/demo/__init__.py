"""The guided tour: a throw-away project and a scripted model served over real HTTP on loopback."""
