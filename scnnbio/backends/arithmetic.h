// What scnnbio.neurons.arithmetic means and C++ does not have. The code around it includes <cmath>.
#ifndef SCNNBIO_ARITHMETIC_H
#define SCNNBIO_ARITHMETIC_H

template < typename X >
static inline X
scnnbio_sign( X x )
{
  return x > 0 ? X( 1 ) : x < 0 ? X( -1 ) : x;
}

template < typename X, typename L, typename M >
static inline X
scnnbio_clip( X x, L least, M most )
{
  const X raised = x < least ? X( least ) : x;
  return raised > most ? X( most ) : raised;
}

// The remainder of fmod is exact; it has the sign of x, and here it gets that of y.
template < typename X, typename Y >
static inline auto
scnnbio_remainder( X x, Y y ) -> decltype( x + y )
{
  typedef decltype( x + y ) Real;
  Real rest = std::fmod( Real( x ), Real( y ) );
  if ( rest == 0 )
  {
    return std::copysign( rest, Real( y ) );
  }
  return ( rest < 0 ) != ( y < 0 ) ? rest + y : rest;
}

// x less its remainder is a whole multiple of y but for rounding, which the nearest whole number
// undoes.
template < typename X, typename Y >
static inline auto
scnnbio_floor_divide( X x, Y y ) -> decltype( x + y )
{
  typedef decltype( x + y ) Real;
  if ( y == 0 )
  {
    return Real( x ) / Real( y );
  }
  Real rest = std::fmod( Real( x ), Real( y ) );
  Real whole = ( x - rest ) / y;
  if ( rest != 0 and ( rest < 0 ) != ( y < 0 ) )
  {
    whole -= 1;
  }
  Real below = std::floor( whole );
  return whole - below > Real( 0.5 ) ? below + 1 : below;
}

static inline double
scnnbio_truth( bool condition )
{
  return condition ? 1.0 : 0.0;
}

#endif
