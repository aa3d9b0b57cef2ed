"""The painter of the example pictures. It needs only numpy and Pillow; a seed gives the same picture at any size."""
