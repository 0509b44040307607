"""Room 2: data sets as moments. They import numerics and the waist, never methods."""
