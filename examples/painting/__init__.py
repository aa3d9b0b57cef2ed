"""The painter of the example pictures: numpy and Pillow only, seeded, the same picture at any size."""
