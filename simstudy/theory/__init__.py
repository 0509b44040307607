"""Room 2: exact and asymptotic answers, without simulation; `answers` hands them out."""
