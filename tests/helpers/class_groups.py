"""The groups of classes that a source's splits draw from."""


def groups_of(source):
    """The groups that each split draws from."""
    return {s: set(source.index.groups[c].tolist()) for s, c in source.index.splits.items()}


def are_disjoint(sets):
    return len(set.union(*sets)) == sum(len(one) for one in sets)
