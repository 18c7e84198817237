"""PyTorch: as in the lecture, with a `DataLoader` over tensors, tuned, compiled."""

import shutil

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks.contenders.mnist import floats, predictions, training
from benchmarks.frame import Unavailable


def network(hidden, batch_norm=False, dropout=0.0, seed=0):
    """The perceptron on rows of 784 pixels."""
    torch.manual_seed(seed)
    sizes = 784, *hidden
    layers = []
    for in_size, size in zip(sizes, hidden, strict=False):
        layers.append(nn.Linear(in_size, size))
        if batch_norm:
            layers.append(nn.BatchNorm1d(size))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 10))


def tensors(examples):
    """Pixels from −1 to 1 in rows, int64 labels."""
    images, labels = training(examples)
    return torch.from_numpy(floats(images)), torch.from_numpy(labels).long()


class Images(Dataset):
    """One image at a time, through a transform like `ToTensor` and `Normalize(0.5, 0.5)`."""

    def __init__(self, images, labels):
        self.images, self.labels = torch.from_numpy(images), labels.tolist()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return (self.images[index].float() / 255 - 0.5) / 0.5, self.labels[index]


def lecture(hidden=(256, 128), batch_size=64, examples=60_000):
    """The lecture's program: an image at a time, running loss and accuracy fetched each step."""
    loader = DataLoader(Images(*training(examples)), batch_size=batch_size, shuffle=True)
    return with_loader(loader, nn.Sequential(nn.Flatten(), network(hidden)))


def loader(hidden=(256, 128), batch_size=64, examples=60_000):
    """The lecture's loop with a `DataLoader` over tensors that are ready."""
    dataset = TensorDataset(*tensors(examples))
    return with_loader(DataLoader(dataset, batch_size, shuffle=True), network(hidden))


def with_loader(loader, model):
    """An epoch of the lecture's loop."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

    def run():
        loss, _, count = lecture_epoch(model, loader, criterion, optimizer)
        return {"loss": loss, "examples": count}

    return run


def lecture_epoch(model, loader, criterion, optimizer):
    """The lecture's loop over an epoch; the mean loss, the accuracy, the number of images."""
    model.train()
    loss_sum, correct, count = 0.0, 0, 0
    for images, labels in loader:
        outputs = model(images)
        loss = criterion(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        correct += (outputs.argmax(1) == labels).sum().item()
        count += len(labels)
    return loss_sum / count, correct / count, count


def tuned(hidden=(256, 128), batch_size=64, examples=60_000, batch_norm=False, dropout=0.0):
    """Batches indexed from tensors, fused Adam, gradients set to None, nothing fetched."""
    return with_tensors(network(hidden, batch_norm, dropout), batch_size, *tensors(examples))


def compiled(hidden=(256, 128), batch_size=64, examples=60_000):
    """The tuned loop with `torch.compile`, which needs a C++ compiler on the CPU."""
    if not (shutil.which("g++") or shutil.which("clang++")):
        raise Unavailable("no C++ compiler")
    return with_tensors(torch.compile(network(hidden)), batch_size, *tensors(examples))


def with_tensors(model, batch_size, images, labels, learning_rate=1e-3):
    """An epoch of the tuned loop."""
    examples = len(labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)

    def run():
        model.train()
        total, parts = torch.zeros(()), torch.randperm(examples).split(batch_size)
        for batch in parts:
            loss = F.cross_entropy(model(images.index_select(0, batch)), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        return {"loss": total.item() / examples, "examples": sum(map(len, parts))}

    return run


def prediction(images, batch_size, calls):
    """In eval mode, in `inference_mode`."""
    model = network((256, 128)).eval()

    def predict(batch):
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).flatten(1).float() / 127.5 - 1
            return model(pixels).numpy()

    return predictions(predict, images, batch_size, calls)
