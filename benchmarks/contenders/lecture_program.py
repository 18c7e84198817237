"""The lecture's program in PyTorch, whole: `python -m benchmarks.contenders.lecture_program 5`.

An image at a time goes through the transform; a tenth is held out and measured after each epoch, as
in `jaxnn train`; in the end come the test images. It draws nothing and writes no file.
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, random_split

from benchmarks.contenders.pytorch import Images, lecture_epoch
from jaxnn import data


def evaluate(model, loader, criterion):
    """The mean loss and the accuracy of a trained network."""
    model.eval()
    loss_sum, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for images, labels in loader:
            outputs = model(images)
            loss_sum += criterion(outputs, labels).item() * len(labels)
            correct += (outputs.argmax(1) == labels).sum().item()
            count += len(labels)
    return loss_sum / count, correct / count


def main(epochs):
    """Trains and tests."""
    torch.manual_seed(0)
    train_set, test_set = (Images(part.images.copy(), part.labels) for part in data.load("mnist"))
    train_set, validation_set = random_split(train_set, [54_000, 6_000])
    train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
    validation_loader = DataLoader(validation_set, batch_size=64)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
        nn.Linear(128, 10),
    )  # fmt: skip
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for epoch in range(1, epochs + 1):
        loss, accuracy, _ = lecture_epoch(model, train_loader, criterion, optimizer)
        held_out = evaluate(model, validation_loader, criterion)
        print(f"epoch {epoch}  loss {loss:.4f} ({held_out[0]:.4f})  accuracy {accuracy:.4f}")
    _, accuracy = evaluate(model, DataLoader(test_set, batch_size=64), criterion)
    print(f"test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
