#!/usr/bin/env python3
"""word2vec: gensim and hadal on the same text, in turn, words a second.

    python3 scripts/peers/gensim_bench.py --hadal ./hadal --epochs 2 --rounds 2

Needs gensim (4.4 was used) and the Brown corpus (hadal data get brown). Both
read the same tar file, cut it into words in the same way and learn vectors of
the same size with the same window, negative samples, subsampling and least
count. What is measured is the training alone, without reading and counting:
words of the text times passes over it, rare and left-out ones included, divided
by seconds. Each line is one training; the two take turns (A B A B).
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time

WIDTH, WINDOW, NEGATIVE, LEAST, SUBSAMPLE = 96, 5, 5, 5, 1e-3
RECIPES = {"skip-gram": ("word2vec", 1, 0.025), "cbow": ("word2vec-cbow", 0, 0.05)}


def sentences(path):
    """The words of each line: lower case, without parts of speech, with a letter in them."""
    out = []
    with tarfile.open(path) as archive:
        for entry in archive:
            for line in archive.extractfile(entry).read().decode("utf-8").splitlines():
                words = [token.rsplit("/", 1)[0].lower() for token in line.split()]
                words = [w for w in words if any(c.isalpha() for c in w)]
                if words:
                    out.append(words)
    return out


def with_gensim(text, tokens, sg, rate, threads, epochs):
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=WIDTH, window=WINDOW, negative=NEGATIVE, min_count=LEAST, sample=SUBSAMPLE,
                     sg=sg, alpha=rate, workers=threads, seed=1)
    model.build_vocab(text)
    start = time.perf_counter()
    model.train(text, total_examples=len(text), epochs=epochs)
    return tokens * epochs / (time.perf_counter() - start)


def with_hadal(binary, recipe, threads, epochs):
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        subprocess.run([binary, "train", recipe, "--threads", str(threads), "--epochs", str(epochs), "--quiet", "--out", run],
                       check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(run, "result.json")) as f:
            metrics = json.load(f)["metrics"]
        return metrics["words_per_second"], int(metrics["tokens"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hadal", default="./hadal", help="the program")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", choices=sorted(RECIPES), nargs="*", default=sorted(RECIPES, reverse=True))
    args = parser.parse_args()

    folder = subprocess.run([args.hadal, "data", "path", "brown"], check=True, capture_output=True, text=True).stdout.strip()
    text = sentences(os.path.join(folder, "brown.tar"))
    tokens = sum(map(len, text))
    for name in args.only:
        recipe, sg, rate = RECIPES[name]
        for threads in args.threads:
            for _ in range(args.rounds):
                peer = with_gensim(text, tokens, sg, rate, threads, args.epochs)
                ours, ours_tokens = with_hadal(args.hadal, recipe, threads, args.epochs)
                if ours_tokens != tokens:
                    sys.exit(f"the texts differ: gensim has {tokens} words, hadal {ours_tokens}")
                print(json.dumps({"model": name, "threads": threads, "gensim_words_per_second": round(peer),
                                  "hadal_words_per_second": round(ours), "ratio": round(ours / peer, 2)}), flush=True)


if __name__ == "__main__":
    main()
