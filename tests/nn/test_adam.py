import copy
import pickle

import torch

from sklearn_ard.nn.fast.adam import VectorAdam


def steps(optimizer, parameter, target, n):
    for _ in range(n):
        parameter.grad.copy_(parameter.data - target)
        optimizer.step()


def make(n=70_000):
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(n))
    parameter.grad = torch.zeros(n)
    return parameter, torch.randn(n)


def test_steps_are_those_of_torch():
    parameter, target = make()
    other = copy.deepcopy(parameter)
    other.grad = torch.zeros_like(other)
    steps(VectorAdam(parameter, lr=0.1), parameter, target, 20)
    steps(torch.optim.Adam([other], lr=0.1), other, target, 20)
    torch.testing.assert_close(parameter.data, other.data)


def test_another_one_goes_on_with_a_part_of_the_vector():
    parameter, target = make()
    optimizer = VectorAdam(parameter, lr=0.1)
    steps(optimizer, parameter, target, 5)
    part = torch.nn.Parameter(parameter.data[:7].clone())
    part.grad = torch.zeros_like(part)
    rest = VectorAdam(part, lr=0.1)
    rest.resume(optimizer, lambda vector: vector[:7].clone())
    steps(rest, part, target[:7], 5)
    steps(optimizer, parameter, target, 5)
    torch.testing.assert_close(part.data, parameter.data[:7])


def test_a_copy_goes_on_as_the_original():
    parameter, target = make(10)
    optimizer = VectorAdam(parameter, lr=0.1)
    steps(optimizer, parameter, target, 5)
    other = pickle.loads(pickle.dumps(optimizer))
    theirs = other.param_groups[0]["params"][0]
    steps(other, theirs, target, 5)
    steps(optimizer, parameter, target, 5)
    torch.testing.assert_close(theirs.data, parameter.data)
