"""What if: changes to a scenario and its centre, each beside the present, with the same callers.

changes     what can be changed: one file for each kind, found by a registry
documents   scenario, queues and agents as plain data that changes change
plan        the what-if file
variants    the settings of the present and of every change
paired      differences between two studies, replication by replication
answer      what it all comes to, in figures and in words
training    who should learn which skill next
actual      what really happened beside it, from a router's journal
report      the page
"""
