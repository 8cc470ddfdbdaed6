"""A function of another library is replaced for whoever asks for it, and for nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from tfmeta.replaced_function import ReplacedFunction


def double(number):
    """What is replaced."""
    return 2 * number


def plus(added):
    return lambda original, number: original(number) + added


def test_it_is_replaced_in_the_body_alone():
    owner = SimpleNamespace(double=double)
    replaced = ReplacedFunction(owner, "double")
    assert owner.double is double
    with replaced.by(plus(1)):
        assert owner.double(5) == 11
        with replaced.by(lambda original, number: 100 * original(number)):
            assert owner.double(5) == 1100
        assert owner.double(5) == 11
    assert owner.double(5) == 10
    assert owner.double.__doc__ == double.__doc__


def test_threads_replace_it_for_themselves_and_end_in_any_order():
    """Each put back what it had found, so that the first one's replacement stayed for ever."""
    owner = SimpleNamespace(double=double)
    replaced = ReplacedFunction(owner, "double")
    both, first_ended = threading.Barrier(2), threading.Event()

    def first():
        with replaced.by(plus(1)):
            both.wait()
            found = owner.double(5)
        first_ended.set()
        return found

    def second():
        with replaced.by(plus(2)):
            both.wait()
            assert first_ended.wait(timeout=60)
            return owner.double(5)

    with ThreadPoolExecutor(3) as pool, replaced.by(plus(3)):
        found = [pool.submit(first), pool.submit(second)]
        assert [each.result() for each in found] == [11, 12]
        assert pool.submit(lambda: owner.double(5)).result() == 10
        assert owner.double(5) == 13
    assert owner.double(5) == 10
