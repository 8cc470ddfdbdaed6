"""Whether an export answers as it must: its checks, in a process of its own."""
