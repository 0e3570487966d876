#ifndef SQUARE_H_
#define SQUARE_H_

double Square(double x);

#endif  // SQUARE_H_
