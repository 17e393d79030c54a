"""Made-up days of a shop, from a seed: who came, where they stayed, what a camera saw of it.

`plan` is the shop as the people find it, `people` one person's way, `days` a whole business day as
its camera would tell it. These three are pure. `service` writes days through the ledger and takes
them out again; `demo` fills the demo store.
"""
