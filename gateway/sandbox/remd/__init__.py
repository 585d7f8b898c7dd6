"""РЭМД as its protocol tells it; knows nothing of any adapter."""
