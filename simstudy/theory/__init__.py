"""Exact and asymptotic answers, without simulation; `answers` hands them out."""
