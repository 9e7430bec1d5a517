"""The live state stream: a snapshot of the centre and then every change, for wallboards and agents' desktops.

`board` keeps the state as a document and knows what an event changes; `feed` numbers the changes and keeps the last
ones; `serve` sends them over a WebSocket; `mirror` is the client's half.
"""
