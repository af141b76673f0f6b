//! The parental agent: finds CDS, CDNSKEY and CSYNC in children, judges them, changes the delegation.
