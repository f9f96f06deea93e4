"""Operations worth a fast version of their own."""
